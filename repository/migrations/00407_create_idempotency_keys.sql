-- +goose Up
CREATE TABLE idempotency_keys (
  actor_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  idempotency_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  result_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (actor_id, idempotency_key),
  KEY ix_idempotency_keys_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
