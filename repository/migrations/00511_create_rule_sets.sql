-- +goose Up
-- A version of a rule set: the rules are one document, written once, together. product_code is empty for all products, and
-- region_prefix for everywhere. active_from is the database's half of "one version a product, region and day".
CREATE TABLE rule_sets (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code           VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number         INT NOT NULL,
  title          VARCHAR(500) NOT NULL,
  hash           CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
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
  definition     JSON NOT NULL,
  active_from    DATE GENERATED ALWAYS AS (CASE WHEN status = 'active' THEN effective_from END) STORED,
  PRIMARY KEY (id),
  CONSTRAINT uk_rule_sets_number UNIQUE (code, number),
  CONSTRAINT uk_rule_sets_active UNIQUE (product_code, region_prefix, active_from),
  KEY ix_rule_sets_status (status, id),
  KEY ix_rule_sets_code (code, id),
  CONSTRAINT ck_rule_sets_status CHECK (status IN ('draft','validated','active')),
  CONSTRAINT ck_rule_sets_two_people CHECK (activated_by IS NULL OR activated_by <> made_by),
  CONSTRAINT ck_rule_sets_period CHECK (effective_to IS NULL OR effective_to > effective_from)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
