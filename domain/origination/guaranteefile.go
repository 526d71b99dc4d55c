package origination

import (
	"time"

	"fumin/domain"
)

// GuaranteeAnswerRowsMax bounds a file of answers.
const GuaranteeAnswerRowsMax = 2000

// GuaranteeRowOutcome is what became of one row of a file of answers.
type GuaranteeRowOutcome string

// The outcomes.
const (
	GuaranteeRowRecorded GuaranteeRowOutcome = "recorded"      // 已登记
	GuaranteeRowKnown    GuaranteeRowOutcome = "already_known" // 已有同样的答复
	GuaranteeRowRefused  GuaranteeRowOutcome = "refused"       // 未登记
)

// GuaranteeRowResult is what became of one row (逐行结果).
type GuaranteeRowResult struct {
	Row         int // as a table program counts, from 1
	GuaranteeID domain.ID
	Outcome     GuaranteeRowOutcome
	Code        string // of a refusal
	Detail      string // in Chinese
}

// GuaranteeAnswerFile is a file of answers as it was imported, with what became of each row (导入的答复).
type GuaranteeAnswerFile struct {
	ID             domain.ID
	CompanyID      domain.ID
	File           FileHash
	Rows           []GuaranteeRowResult
	ImportedBy     domain.ID
	ImportedByName string
	ImportedAt     time.Time
}
