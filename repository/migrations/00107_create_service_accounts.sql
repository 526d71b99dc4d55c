-- +goose Up
CREATE TABLE service_accounts (
  id             CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  client_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name           VARCHAR(50) NOT NULL,
  secret_hash    BINARY(32)  NOT NULL,
  deactivated_at DATETIME(6) NULL,
  version        INT         NOT NULL,
  created_at     DATETIME(6) NOT NULL,
  updated_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_service_accounts_client_id UNIQUE (client_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
