-- +goose Up
-- What the channel's file said, row by row: what is held against our payments, and kept as evidence.
CREATE TABLE reconciliation_entries (
  reconciliation_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_no            INT NOT NULL,
  branch_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  transfer_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  end_to_end_id     VARCHAR(70) NOT NULL,
  amount            DECIMAL(18,2) NOT NULL,
  reference         VARCHAR(64) NOT NULL,
  PRIMARY KEY (reconciliation_id, row_no),
  KEY ix_reconciliation_entries_transfer (transfer_id, reconciliation_id, row_no),
  CONSTRAINT fk_reconciliation_entries_reconciliation FOREIGN KEY (reconciliation_id) REFERENCES reconciliations (id),
  CONSTRAINT ck_reconciliation_entries_amount CHECK (amount > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
