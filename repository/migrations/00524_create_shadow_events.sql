-- +goose Up
-- Who started and stopped a shadow run, and why one ended by itself: append-only.
CREATE TABLE shadow_events (
  shadow_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number     INT NOT NULL,
  action     VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at         DATETIME(6) NOT NULL,
  detail     VARCHAR(1000) NOT NULL,
  PRIMARY KEY (shadow_id, number),
  CONSTRAINT fk_shadow_events_shadow FOREIGN KEY (shadow_id) REFERENCES rule_set_shadows (id),
  CONSTRAINT ck_shadow_events_action CHECK (action IN ('start','stop','fail','expire'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
