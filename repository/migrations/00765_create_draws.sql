-- +goose Up
-- What a borrower asked for under the contract of a line; its id is the disbursement's.
CREATE TABLE draws (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount         DECIMAL(18,2) NOT NULL,
  term_months    INT NOT NULL,
  drawn_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  drawn_at       DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_draws_application (application_id, id),
  CONSTRAINT fk_draws_disbursement FOREIGN KEY (id) REFERENCES disbursements (id),
  CONSTRAINT fk_draws_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT fk_draws_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_draws_amounts CHECK (amount > 0 AND term_months >= 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
