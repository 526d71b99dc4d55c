-- +goose Up
CREATE TABLE instalments (
  application_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number          SMALLINT NOT NULL,
  branch_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  due_on          DATE NOT NULL,
  days            SMALLINT NOT NULL,
  opening_balance DECIMAL(18,2) NOT NULL,
  principal       DECIMAL(18,2) NOT NULL,
  interest        DECIMAL(18,2) NOT NULL,
  fees            DECIMAL(18,2) NOT NULL,
  total           DECIMAL(18,2) NOT NULL,
  closing_balance DECIMAL(18,2) NOT NULL,
  PRIMARY KEY (application_id, number),
  KEY ix_instalments_due (branch_id, due_on),
  CONSTRAINT fk_instalments_contract FOREIGN KEY (application_id) REFERENCES contracts (application_id),
  CONSTRAINT ck_instalments_amounts CHECK (principal >= 0 AND interest >= 0 AND fees >= 0 AND closing_balance >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
