-- +goose Up
-- The tokens themselves are kept nowhere: token_hash is their SHA-256. Used ones stay as long as their session, so that one
-- that turns up again is known as stolen.
CREATE TABLE refresh_tokens (
  token_hash BINARY(32) NOT NULL,
  session_id CHAR(36)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  generation INT        NOT NULL,
  PRIMARY KEY (token_hash),
  CONSTRAINT uk_refresh_tokens_generation UNIQUE (session_id, generation),
  CONSTRAINT fk_refresh_tokens_session FOREIGN KEY (session_id) REFERENCES sessions (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
