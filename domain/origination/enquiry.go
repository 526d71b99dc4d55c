package origination

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// EnquiryReader reads what other institutions answered about a case (外部查询).
type EnquiryReader interface {
	// Enquiries lists the enquiries of a case that scope may see, newest first, at most EnquiriesMax.
	Enquiries(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]Enquiry, error)
}

// EnquiryWriter writes what other institutions answered about a case (外部查询). An enquiry is written only while the
// transaction holds the row of its application.
type EnquiryWriter interface {
	// InsertEnquiry stores an enquiry before it is sent.
	InsertEnquiry(ctx context.Context, e Enquiry, event loan.Event) error
	// SaveEnquiry refuses with "stale-version" when the stored version is not the one before e's.
	SaveEnquiry(ctx context.Context, e Enquiry, event loan.Event) error
}

// Bounds of enquiries.
const (
	EnquiriesMax            = 100 // of one case in one answer
	EnquiryAttemptsMax      = 20  // sendings of one enquiry; then only a person can help
	EnquiryValidDaysDefault = 30
	EnquiryValidDaysMin     = 1
	EnquiryValidDaysMax     = 365
	enquiryPurpose          = "loan_approval" // 贷款审批, as the bureau's list of purposes has it
)

// The time an enquiry may take. A submit answers within EnquiryBudget whatever the institutions do; calls end a little
// earlier, so that what is known can be stored.
const (
	EnquiryBudget      = 3 * time.Second
	enquiryCallsEnd    = 2600 * time.Millisecond
	enquirySettleLimit = 2 * time.Second
	enquiryPatience    = 1500 * time.Millisecond // for what another submit asks; then the same question is sent again, under its id
	enquiryLease       = 5 * time.Second         // by then who asked has stored what came of it, or is dead
	enquiryPoll        = 40 * time.Millisecond
)

// EnquirySource is an institution that is asked about a case.
type EnquirySource string

// The sources.
const (
	SourceBureau    EnquirySource = "bureau"             // 征信机构
	SourceScreening EnquirySource = "screening"          // 名单筛查
	SourcePrecheck  EnquirySource = "guarantee_precheck" // 农担公司预审
)

// Label is the source in Chinese, for reasons.
func (s EnquirySource) Label() string {
	switch s {
	case SourceBureau:
		return "征信机构"
	case SourceScreening:
		return "名单筛查系统"
	case SourcePrecheck:
		return "农担公司预审系统"
	}
	return string(s)
}

// EnquiryRequest is what an institution is asked. It holds personal data in clear and is for the wire alone; printed it shows
// its id.
type EnquiryRequest struct {
	ID                 domain.ID // the institution's idempotency key: asked twice, it counts once
	Name               borrower.Name
	IDNumber           borrower.IDNumber   // a person's, or the owner's of a family farm without a credit code
	CreditCode         borrower.CreditCode // an organisation's
	ConsentID          domain.ID           // the consent it is asked under; zero where the law asks for none
	ConsentTextVersion string
	Amount             money.Amount // the pre-check's: what would be guaranteed
	TermMonths         int
	ProductCode        string
}

// String hides whom it is about.
func (r EnquiryRequest) String() string { return "enquiry " + r.ID.String() }

// GoString keeps %#v from showing what String hides.
func (r EnquiryRequest) GoString() string { return r.String() }

// LogValue shows the id alone.
func (r EnquiryRequest) LogValue() slog.Value { return slog.StringValue(r.ID.String()) }

// The results of enquiries; each source has its own.
const (
	ResultClear    = "clear"     // bureau: 无不良; screening: 未命中
	ResultAdverse  = "adverse"   // bureau: 有不良
	ResultNoRecord = "no_record" // bureau: 无记录
	ResultHit      = "hit"       // screening: 命中
	ResultAccepted = "accepted"  // pre-check: 同意
	ResultRefused  = "refused"   // pre-check: 不同意
	ResultRefer    = "refer"     // pre-check: 须人工
)

// EnquiryAnswer is what an institution said. The sums are the bureau's, and mean nothing with no_record.
type EnquiryAnswer struct {
	Result           string
	OverdueNow       bool
	OverdueAmount    money.Amount
	Enquiries6Months int
	Liabilities      money.Amount
	Note             string // 名单名称 or 预审意见; at most EnquiryNoteMax characters
	Reference        string // the institution's own number
}

// EnquiryNoteMax bounds an answer's texts, in characters.
const EnquiryNoteMax = 200

// CreditBureau, Screening and GuaranteePrecheck are the institutions as this package needs them. An error, best an
// *EnquiryError, means that there is no answer, for whatever reason; it never carries personal data.
type (
	// CreditBureau answers about a person's or an organisation's credit history (征信查询).
	CreditBureau interface {
		EnquireCredit(ctx context.Context, r EnquiryRequest) (EnquiryAnswer, error)
	}
	// Screening says whether somebody is on a blacklist or a sanctions list (名单筛查).
	Screening interface {
		Screen(ctx context.Context, r EnquiryRequest) (EnquiryAnswer, error)
	}
	// GuaranteePrecheck says whether the guarantee company would guarantee a loan (农担预审).
	GuaranteePrecheck interface {
		Precheck(ctx context.Context, r EnquiryRequest) (EnquiryAnswer, error)
	}
)

// Why there is no answer.
const (
	EnquiryTimeout        = "timeout"         // 超时
	EnquiryConnectionLost = "connection-lost" // 连接失败
	EnquiryUnavailable    = "unavailable"     // 对方暂停服务
	EnquiryRefused        = "refused"         // 对方拒绝受理
	EnquiryUnsigned       = "unsigned"        // 答复签名无效
	EnquiryUnreadable     = "unreadable"      // 答复无法读取
)

// failureLabels are the reasons in Chinese.
var failureLabels = map[string]string{
	EnquiryTimeout: "超时未答复", EnquiryConnectionLost: "无法连接", EnquiryUnavailable: "暂停服务", EnquiryRefused: "拒绝受理请求",
	EnquiryUnsigned: "答复签名无效", EnquiryUnreadable: "答复无法读取",
}

// EnquiryError is why an institution gave no answer.
type EnquiryError struct {
	Code  string // one of the Enquiry… constants
	Cause error  // for the log; may be nil
}

// Error says the code and the cause.
func (f *EnquiryError) Error() string { return fmt.Sprintf("no answer (%s): %v", f.Code, f.Cause) }

// Unwrap returns the cause.
func (f *EnquiryError) Unwrap() error { return f.Cause }

// EnquiryStatus is where an enquiry stands.
type EnquiryStatus string

// The statuses of an enquiry.
const (
	EnquiryAsking   EnquiryStatus = "asking"   // 查询中
	EnquiryAnswered EnquiryStatus = "answered" // 已答复
	EnquiryFailed   EnquiryStatus = "failed"   // 未得到答复
)

// Enquiry is one question to one institution about one case (查询记录): who asked, when, for what, under which consent, and
// what was answered. It is asked once; after a failure the same enquiry is sent again under the same id.
type Enquiry struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Source        EnquirySource
	About         string // what the answer is about beside the person: the pre-check's amount, term and product
	Purpose       string
	ConsentID     domain.ID // zero where none is needed
	AskedBy       domain.ID
	AskedByName   string
	AskedAt       time.Time
	Status        EnquiryStatus
	LeaseUntil    time.Time // while asking
	Attempts      int
	AnsweredAt    time.Time
	ValidUntil    domain.Date // the last day on which the answer is used again
	Failure       string      // one of the Enquiry… constants, with failed
	Answer        EnquiryAnswer
	Version       int
}

// Sources are the institutions that are connected; nil: not connected.
type Sources struct {
	Bureau    CreditBureau
	Screening Screening
	Precheck  GuaranteePrecheck
}

// connected reports whether a source can be asked.
func (s Sources) connected(source EnquirySource) bool {
	switch source {
	case SourceBureau:
		return s.Bureau != nil
	case SourceScreening:
		return s.Screening != nil
	case SourcePrecheck:
		return s.Precheck != nil
	}
	return false
}

func (s Sources) ask(ctx context.Context, source EnquirySource, r EnquiryRequest) (EnquiryAnswer, error) {
	switch source {
	case SourceBureau:
		return s.Bureau.EnquireCredit(ctx, r)
	case SourceScreening:
		return s.Screening.Screen(ctx, r)
	case SourcePrecheck:
		return s.Precheck.Precheck(ctx, r)
	}
	return EnquiryAnswer{}, &EnquiryError{Code: EnquiryRefused}
}

// Enquiries are the use cases of what other institutions answered about a case (外部查询).
type Enquiries struct {
	store     Store
	now       domain.Clock
	newID     func() domain.ID
	sources   Sources
	validDays int
	log       *slog.Logger
}

// EnquiriesOption sets what a lender may set about enquiries.
type EnquiriesOption func(*Enquiries)

// ConnectedTo says which institutions are connected, for how many days an answer is used again, and where failures are
// logged. Without it none is, and their facts stay unknown.
func ConnectedTo(sources Sources, validDays int, log *slog.Logger) EnquiriesOption {
	return func(s *Enquiries) { s.sources, s.validDays, s.log = sources, validDays, log }
}

// NewEnquiries builds the use cases.
func NewEnquiries(store Store, now domain.Clock, newID func() domain.ID, options ...EnquiriesOption) *Enquiries {
	s := &Enquiries{store: store, now: now, newID: newID, validDays: EnquiryValidDaysDefault, log: slog.New(slog.DiscardHandler)}
	for _, option := range options {
		option(s)
	}
	return s
}

// OfApplication tells what was asked about a case and answered. Each look is a line in the borrower's history: a credit
// report is not read unseen.
func (s *Enquiries) OfApplication(ctx context.Context, by domain.Actor, id domain.ID) ([]Enquiry, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleRiskManager, domain.RoleBranchManager, domain.RoleAuditor); err != nil {
		return nil, err
	}
	now, eventID := s.now(), s.newID()
	var seen []Enquiry
	err := s.store.Update(ctx, func(tx Tx) error {
		rec, err := tx.Application(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		enquiries, err := tx.Enquiries(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		err = tx.InsertBorrowerEvent(ctx, BorrowerEvent{
			ID: eventID, Subject: SubjectBorrower, SubjectID: rec.BorrowerID, BranchID: rec.BranchID, Action: EnquiriesSeen,
			ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: now, Detail: []BorrowerNote{{"application_id", id.String()}},
		})
		if err != nil {
			return err
		}
		seen = enquiries
		return nil
	})
	return seen, err
}
