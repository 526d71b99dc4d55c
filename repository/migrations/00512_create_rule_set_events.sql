-- +goose Up
-- The history of rule sets: append-only. A revision is made once.
CREATE TABLE rule_set_events (
  rule_set_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision       INT NOT NULL,
  action         VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name     VARCHAR(100) NOT NULL,
  actor_role     VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at             DATETIME(6) NOT NULL,
  status         VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hash           CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  effective_from DATE NOT NULL,
  effective_to   DATE NULL,
  PRIMARY KEY (rule_set_id, revision),
  CONSTRAINT fk_rule_set_events_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_sets (id),
  CONSTRAINT ck_rule_set_events_status CHECK (status IN ('draft','validated','active'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
