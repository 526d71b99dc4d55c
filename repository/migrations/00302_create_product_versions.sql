-- +goose Up
-- One version a region prefix and period. Its terms are one document: they are written once, together, and never queried
-- by a single number.
CREATE TABLE product_versions (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  product_code   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  region_prefix  VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  effective_from DATE NOT NULL,
  effective_to   DATE NULL,
  status         VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  made_by        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  made_at        DATETIME(6) NOT NULL,
  activated_by   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  activated_at   DATETIME(6) NULL,
  revision       INT NOT NULL,
  base_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  document       JSON NOT NULL,
  PRIMARY KEY (id),
  KEY ix_product_versions_region (product_code, region_prefix, effective_from),
  CONSTRAINT fk_product_versions_product FOREIGN KEY (product_code) REFERENCES products (code),
  CONSTRAINT ck_product_versions_status CHECK (status IN ('draft','validated','active')),
  CONSTRAINT ck_product_versions_two_people CHECK (activated_by IS NULL OR activated_by <> made_by)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
