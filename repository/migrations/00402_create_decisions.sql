-- +goose Up
-- What the rules said and on which facts, one row a submit, kept for ever.
CREATE TABLE decisions (
  id                  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_version INT NOT NULL,
  result              VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule_set            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  outcome             JSON NOT NULL,
  facts_cipher        BLOB NOT NULL,
  decided_at          DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_decisions_application UNIQUE (application_id, application_version),
  CONSTRAINT fk_decisions_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT ck_decisions_result CHECK (result IN ('approve','refer','decline'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
