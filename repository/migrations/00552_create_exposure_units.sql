-- +goose Up
-- A household's or a borrower's row is nothing but the lock under which its limits are read and used up.
CREATE TABLE exposure_units (
  kind    VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  unit_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (kind, unit_id),
  CONSTRAINT ck_exposure_units_kind CHECK (kind IN ('household','borrower'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
