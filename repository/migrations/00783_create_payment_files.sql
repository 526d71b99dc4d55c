-- +goose Up
-- A batch of payment orders for the bank, as it was made: it never changes. Its content names accounts and is sealed.
CREATE TABLE payment_files (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content_cipher  LONGBLOB NOT NULL,
  content_sha256  CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payments        INT NOT NULL,
  control_sum     DECIMAL(18,2) NOT NULL,
  created_by      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_by_name VARCHAR(100) NOT NULL,
  created_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_payment_files_branch (branch_id, id),
  CONSTRAINT fk_payment_files_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_payment_files_payments CHECK (payments > 0 AND control_sum > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
