-- +goose Up
-- One row a login. generation counts its refresh tokens; only the newest of them still opens anything.
CREATE TABLE sessions (
  id           CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  generation   INT         NOT NULL,
  started_at   DATETIME(6) NOT NULL,
  refreshed_at DATETIME(6) NOT NULL,
  expires_at   DATETIME(6) NOT NULL,
  ended_at     DATETIME(6) NULL,
  end_reason   VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (id),
  KEY ix_sessions_user (user_id, id),
  KEY ix_sessions_expiry (expires_at),
  CONSTRAINT fk_sessions_user FOREIGN KEY (user_id) REFERENCES users (id),
  CONSTRAINT ck_sessions_generation CHECK (generation > 0),
  CONSTRAINT ck_sessions_end CHECK ((ended_at IS NULL) = (end_reason = ''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
