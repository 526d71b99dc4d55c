-- +goose Up
-- The history of products, versions and reference rates: append-only. A subject's revision is made once.
CREATE TABLE product_events (
  subject_id   VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision     INT NOT NULL,
  subject      VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  product_code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  action       VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name   VARCHAR(100) NOT NULL,
  actor_role   VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at           DATETIME(6) NOT NULL,
  detail       JSON NOT NULL,
  PRIMARY KEY (subject_id, revision),
  KEY ix_product_events_product (product_code, at),
  CONSTRAINT ck_product_events_subject CHECK (subject IN ('product','version','reference_rate'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
