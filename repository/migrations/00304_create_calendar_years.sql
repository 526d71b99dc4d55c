-- +goose Up
-- The holidays and make-up working days of a year, as the State Council's notice lists them.
CREATE TABLE calendar_years (
  year         SMALLINT NOT NULL,
  holidays     JSON NOT NULL,
  make_up_days JSON NOT NULL,
  source       VARCHAR(200) NOT NULL,
  set_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  set_at       DATETIME(6) NOT NULL,
  version      INT NOT NULL,
  PRIMARY KEY (year)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
