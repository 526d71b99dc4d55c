-- +goose Up
-- The audit trail of who works here and who logged in: append-only.
CREATE TABLE staff_events (
  id         CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject    VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject_id CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id  CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NULL,
  action     VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id   CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(30)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at         DATETIME(6)  NOT NULL,
  detail     JSON         NOT NULL,
  PRIMARY KEY (id),
  KEY ix_staff_events_subject (subject_id, id),
  KEY ix_staff_events_branch (branch_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
