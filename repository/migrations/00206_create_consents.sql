-- +goose Up
-- A consent is never changed; only withdrawn_at is set, once.
CREATE TABLE consents (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position     SMALLINT NOT NULL,
  kind         VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  text_version VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  given_how    VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  given_at     DATETIME(6) NOT NULL,
  valid_until  DATE NULL,
  withdrawn_at DATETIME(6) NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_consents_position UNIQUE (borrower_id, position),
  CONSTRAINT fk_consents_borrower FOREIGN KEY (borrower_id) REFERENCES borrowers (id),
  CONSTRAINT ck_consents_kind CHECK (kind IN ('credit_enquiry','privacy_notice','guarantee_sharing')),
  CONSTRAINT ck_consents_given_how CHECK (given_how IN ('paper','electronic','recording')),
  CONSTRAINT ck_consents_withdrawn CHECK (withdrawn_at IS NULL OR withdrawn_at >= given_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
