-- +goose Up
-- The audit trail: append-only. A subject's version is made once, so its event is written once.
CREATE TABLE events (
  subject_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version     INT NOT NULL,
  subject     VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  case_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  action      VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_status VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  to_status   VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name  VARCHAR(100) NOT NULL,
  actor_role  VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at          DATETIME(6) NOT NULL,
  detail      JSON NOT NULL,
  PRIMARY KEY (subject_id, version),
  KEY ix_events_case (case_id, at),
  CONSTRAINT fk_events_case FOREIGN KEY (case_id) REFERENCES applications (id),
  CONSTRAINT ck_events_subject CHECK (subject IN ('application','disbursement'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
