-- +goose Up
-- What other institutions were asked about a case. The row stands before the question is sent; its id is the institution's
-- idempotency key. The answer is personal and sealed.
CREATE TABLE enquiries (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source         VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  about          VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  purpose        VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  consent_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  asked_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  asked_by_name  VARCHAR(100) NOT NULL,
  asked_at       DATETIME(6) NOT NULL,
  status         VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  lease_until    DATETIME(6) NULL,
  attempts       INT NOT NULL,
  answered_at    DATETIME(6) NULL,
  valid_until    DATE NULL,
  failure        VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  answer_cipher  BLOB NOT NULL,
  version        INT NOT NULL,
  PRIMARY KEY (id),
  KEY ix_enquiries_application (application_id, id),
  CONSTRAINT fk_enquiries_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT ck_enquiries_source CHECK (source IN ('bureau','screening','guarantee_precheck')),
  CONSTRAINT ck_enquiries_status CHECK (status IN ('asking','answered','failed')),
  CONSTRAINT ck_enquiries_consent CHECK (source = 'screening' OR consent_id IS NOT NULL),
  CONSTRAINT ck_enquiries_answered CHECK ((status = 'answered') = (answered_at IS NOT NULL AND valid_until IS NOT NULL)),
  CONSTRAINT ck_enquiries_lease CHECK ((status = 'asking') = (lease_until IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
