-- +goose Up
-- A code is kept as a keyed hash only: who reads the table cannot sign with it.
CREATE TABLE signing_codes (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  text_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  party_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code_hash      VARBINARY(32) NOT NULL,
  attempts       SMALLINT NOT NULL,
  used           BOOLEAN NOT NULL,
  sent_at        DATETIME(6) NOT NULL,
  expires_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_signing_codes_party (party_id, sent_at),
  CONSTRAINT fk_signing_codes_party FOREIGN KEY (party_id) REFERENCES contract_parties (id),
  CONSTRAINT ck_signing_codes_attempts CHECK (attempts BETWEEN 0 AND 5)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
