-- +goose Up
-- Which file a transfer went out with. The transfer is the key: it is in one file only, for ever.
CREATE TABLE payment_file_entries (
  transfer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  file_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number      INT NOT NULL,
  amount      DECIMAL(18,2) NOT NULL,
  PRIMARY KEY (transfer_id),
  CONSTRAINT uk_payment_file_entries_number UNIQUE (file_id, number),
  CONSTRAINT fk_payment_file_entries_transfer FOREIGN KEY (transfer_id) REFERENCES transfers (id),
  CONSTRAINT fk_payment_file_entries_file FOREIGN KEY (file_id) REFERENCES payment_files (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
