-- +goose Up
-- One row a user name that somebody tried, existing or not. name_index is a keyed hash of it: people type their password
-- into the wrong field.
CREATE TABLE login_attempts (
  name_index      BINARY(32)  NOT NULL,
  failures        INT         NOT NULL,
  last_failure_at DATETIME(6) NULL,
  locked_until    DATETIME(6) NULL,
  touched_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (name_index),
  KEY ix_login_attempts_touched (touched_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
