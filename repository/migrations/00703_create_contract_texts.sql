-- +goose Up
-- A contract as it was put before those who sign. Content and page name people in full: both are encrypted.
CREATE TABLE contract_texts (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number         SMALLINT NOT NULL,
  contract_no    VARCHAR(64) NOT NULL,
  signed_on      DATE NOT NULL,
  text_version   VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content_cipher MEDIUMBLOB NOT NULL,
  content_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  html_cipher    MEDIUMBLOB NOT NULL,
  html_sha256    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pdf_sha256     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  members_min    SMALLINT NOT NULL,
  prepared_by    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  prepared_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_contract_texts_number UNIQUE (application_id, number),
  KEY ix_contract_texts_contract_no (contract_no),
  CONSTRAINT fk_contract_texts_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT ck_contract_texts_number CHECK (number BETWEEN 1 AND 100)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
