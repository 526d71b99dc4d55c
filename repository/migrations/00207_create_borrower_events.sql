-- +goose Up
-- The audit trail of households and borrowers: append-only. A version is made once, so its event is written once; a look
-- makes no version.
CREATE TABLE borrower_events (
  id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject    VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version    INT NULL,
  branch_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  action     VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at         DATETIME(6) NOT NULL,
  detail     JSON NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_borrower_events_version UNIQUE (subject_id, version),
  KEY ix_borrower_events_subject (subject_id, id),
  CONSTRAINT fk_borrower_events_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_borrower_events_subject CHECK (subject IN ('borrower','household'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
