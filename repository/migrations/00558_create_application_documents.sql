-- +goose Up
-- The papers of a case that no other register sees. A row is never changed; a newer paper is another row.
CREATE TABLE application_documents (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  type           VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  received_on    DATE NOT NULL,
  reference      VARCHAR(100) NOT NULL,
  sha256         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  expires_on     DATE NULL,
  recorded_by    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  recorded_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_application_documents_application (application_id, id),
  CONSTRAINT fk_application_documents_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT ck_application_documents_expiry CHECK (expires_on IS NULL OR expires_on >= received_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
