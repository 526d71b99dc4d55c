-- +goose Up
CREATE TABLE branches (
  id         CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code       VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name       VARCHAR(100) NOT NULL,
  level      VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  parent_id  CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_branches_code UNIQUE (code),
  CONSTRAINT fk_branches_parent FOREIGN KEY (parent_id) REFERENCES branches (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
