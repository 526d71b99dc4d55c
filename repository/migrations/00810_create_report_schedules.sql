-- +goose Up
-- A report that is made and sent again and again. next_at is when it is due, and absent while it is not active. live_slot is
-- one of the few places a person has for schedules that have not ended. branch_id is the owner's; report_branch_id narrows the
-- report.
CREATE TABLE report_schedules (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  owner_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  owner_name       VARCHAR(100) NOT NULL,
  owner_role       VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  live_slot        SMALLINT NULL,
  report           VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  format           VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  charset          VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report_columns   JSON NOT NULL,
  product_code     VARCHAR(32) NOT NULL,
  report_branch_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  frequency        VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  weekday          SMALLINT NOT NULL,
  day_of_month     SMALLINT NOT NULL,
  minute_of_day    SMALLINT NOT NULL,
  period           VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  destination      VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status           VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason           VARCHAR(300) NOT NULL,
  next_at          DATETIME(6) NULL,
  version          INT NOT NULL,
  created_at       DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_report_schedules_live_slot UNIQUE (owner_id, live_slot),
  KEY ix_report_schedules_branch (branch_id, id),
  KEY ix_report_schedules_next (next_at),
  CONSTRAINT fk_report_schedules_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_report_schedules_status CHECK (status IN ('active','paused','stopped','ended')),
  CONSTRAINT ck_report_schedules_next CHECK ((status = 'active') = (next_at IS NOT NULL)),
  CONSTRAINT ck_report_schedules_live CHECK ((status <> 'ended') = (live_slot IS NOT NULL)),
  CONSTRAINT ck_report_schedules_frequency CHECK (frequency IN ('daily','weekly','monthly')),
  CONSTRAINT ck_report_schedules_period CHECK (period IN ('previous_day','previous_week','previous_month'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
