-- +goose Up
-- The parts in which a contract's amount is paid; a case without rows here is paid as it is asked for.
CREATE TABLE tranches (
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number         SMALLINT NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount         DECIMAL(18,2) NOT NULL,
  PRIMARY KEY (application_id, number),
  CONSTRAINT fk_tranches_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT ck_tranches_amount CHECK (amount > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
