-- +goose Up
CREATE TABLE bank_accounts (
  id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position      SMALLINT NOT NULL,
  number_cipher VARBINARY(100) NOT NULL,
  number_index  BINARY(32) NOT NULL,
  number_last4  VARCHAR(4) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_name  VARCHAR(100) NOT NULL,
  bank_name     VARCHAR(60) NOT NULL,
  bank_code     VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verified_how  VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verified_by   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  verified_at   DATETIME(6) NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_bank_accounts_position UNIQUE (borrower_id, position),
  CONSTRAINT uk_bank_accounts_number UNIQUE (borrower_id, number_index),
  KEY ix_bank_accounts_number (number_index),
  CONSTRAINT fk_bank_accounts_borrower FOREIGN KEY (borrower_id) REFERENCES borrowers (id),
  CONSTRAINT ck_bank_accounts_verified CHECK ((verified_how = '') = (verified_by IS NULL) AND (verified_by IS NULL) = (verified_at IS NULL)),
  CONSTRAINT ck_bank_accounts_verified_how CHECK (verified_how IN ('','document_seen','small_transfer','bank_enquiry'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
