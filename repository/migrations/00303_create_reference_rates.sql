-- +goose Up
CREATE TABLE reference_rates (
  id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  published_on  DATE NOT NULL,
  revision      SMALLINT NOT NULL,
  one_year_pct  DECIMAL(9,6) NOT NULL,
  five_year_pct DECIMAL(9,6) NOT NULL,
  reason        VARCHAR(500) NOT NULL,
  source        VARCHAR(500) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_reference_rates_published UNIQUE (published_on, revision)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
