-- +goose Up
-- What a borrower owes after a payment: proof of what the money was used for, by a day.
CREATE TABLE obligations (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  disbursement_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  due_on             DATE NOT NULL,
  status             VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document_reference VARCHAR(100) NOT NULL,
  document_sha256    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fulfilled_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  fulfilled_at       DATETIME(6) NULL,
  created_at         DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_obligations_disbursement UNIQUE (disbursement_id),
  KEY ix_obligations_branch (branch_id, id),
  KEY ix_obligations_status (branch_id, status, id),
  KEY ix_obligations_newest (status, id),
  KEY ix_obligations_borrower (borrower_id, id),
  CONSTRAINT fk_obligations_disbursement FOREIGN KEY (disbursement_id) REFERENCES disbursements (id),
  CONSTRAINT ck_obligations_status CHECK (status IN ('open','fulfilled')),
  CONSTRAINT ck_obligations_fulfilled CHECK ((status = 'fulfilled') = (fulfilled_at IS NOT NULL) AND (fulfilled_at IS NULL) = (fulfilled_by IS NULL)
    AND (fulfilled_at IS NULL) = (document_sha256 = ''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
