-- +goose Up
-- The lender's own limits for one household or borrower, across products. A row never changes but for its activation by a
-- second person; another figure is another row, from another day on.
CREATE TABLE lender_limits (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name           VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_kinds JSON NOT NULL,
  amount         DECIMAL(18,2) NOT NULL,
  effective_from DATE NOT NULL,
  source         VARCHAR(500) NOT NULL,
  made_by        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  made_at        DATETIME(6) NOT NULL,
  activated_by   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  activated_at   DATETIME(6) NULL,
  loaded         TINYINT(1) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_lender_limits_effective (effective_from, id),
  CONSTRAINT ck_lender_limits_amount CHECK (amount > 0),
  CONSTRAINT ck_lender_limits_activated CHECK ((activated_by IS NULL) = (activated_at IS NULL)),
  CONSTRAINT ck_lender_limits_two_people CHECK (loaded = 1 OR activated_by IS NULL OR activated_by <> made_by)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
