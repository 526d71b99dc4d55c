-- +goose Up
CREATE TABLE products (
  code          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name          VARCHAR(60) NOT NULL,
  exposure_unit VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revolving     BOOLEAN NOT NULL,
  sample        BOOLEAN NOT NULL,
  document      JSON NOT NULL,
  PRIMARY KEY (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
