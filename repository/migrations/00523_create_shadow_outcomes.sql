-- +goose Up
-- What a shadow would have said of one live decision, beside what the rules in force said. Nothing acts on it. shadow_result
-- is NULL where the stored facts could not be read. The amounts are the ceilings of approvals, 0 for any other result.
CREATE TABLE shadow_outcomes (
  shadow_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  decision_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_no   VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  product_code     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  region_code      VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  county           VARCHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  decided_at       DATETIME(6) NOT NULL,
  asked_amount     DECIMAL(18,2) NOT NULL,
  amount_band      INT NOT NULL,
  live_result      VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  shadow_result    VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,
  live_amount      DECIMAL(18,2) NOT NULL,
  shadow_amount    DECIMAL(18,2) NOT NULL,
  moved            TINYINT NOT NULL,
  reasons          JSON NOT NULL,
  PRIMARY KEY (shadow_id, decision_id),
  KEY ix_shadow_outcomes_moved (shadow_id, moved, decision_id),
  KEY ix_shadow_outcomes_decision (decision_id),
  CONSTRAINT fk_shadow_outcomes_shadow FOREIGN KEY (shadow_id) REFERENCES rule_set_shadows (id),
  CONSTRAINT fk_shadow_outcomes_decision FOREIGN KEY (decision_id) REFERENCES decisions (id),
  CONSTRAINT ck_shadow_outcomes_results CHECK (live_result IN ('approve','refer','decline') AND (shadow_result IS NULL OR shadow_result IN ('approve','refer','decline'))),
  CONSTRAINT ck_shadow_outcomes_moved CHECK (moved = (shadow_result IS NOT NULL AND shadow_result <> live_result)),
  CONSTRAINT ck_shadow_outcomes_amounts CHECK (asked_amount >= 0 AND live_amount >= 0 AND shadow_amount >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
