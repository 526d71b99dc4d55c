-- +goose Up
-- The phones of a borrower; position 0 is the first to call.
CREATE TABLE borrower_phones (
  borrower_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position      SMALLINT NOT NULL,
  number_cipher VARBINARY(100) NOT NULL,
  number_index  BINARY(32) NOT NULL,
  number_last4  VARCHAR(4) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (borrower_id, position),
  KEY ix_borrower_phones_number (number_index, borrower_id),
  CONSTRAINT fk_borrower_phones_borrower FOREIGN KEY (borrower_id) REFERENCES borrowers (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
