package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/origination"
)

func (s *server) addProperty(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	found := propertyOf(in)
	if err := doneWith(in, s.borrowers.CheckProperty(actor(c), found)); err != nil {
		return err
	}
	h, replayed, err := s.borrowers.AddProperty(c.Request.Context(), actor(c), key, id, found)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, h.Version)
	return writeJSON(c, http.StatusCreated, s.viewHousehold(h))
}

func propertyOf(in *object) origination.HouseholdProperty {
	var found origination.HouseholdProperty
	for _, l := range in.objects("lands", 0, borrower.ListMax) {
		found.Lands = append(found.Lands, borrower.Land{
			Kind:          required(l, "kind", parseLandKind),
			AreaMu:        required(l, "area_mu", borrower.ParseArea),
			Place:         l.text("place", 0, borrower.PlaceRunesMax),
			CertificateNo: l.text("certificate_no", 0, borrower.CertificateRunesMax),
			ContractFrom:  orZero(optional(l, "contract_from", domain.ParseDate)),
			ContractUntil: orZero(optional(l, "contract_until", domain.ParseDate)),
		})
	}
	for _, l := range in.objects("livestock", 0, borrower.ListMax) {
		found.Livestock = append(found.Livestock, borrower.Livestock{
			Kind:      required(l, "kind", parseLivestockKind),
			Heads:     l.integer("heads", 0, borrower.HeadsMax),
			CountedOn: required(l, "counted_on", domain.ParseDate),
		})
	}
	for _, l := range in.objects("crops", 0, borrower.ListMax) {
		found.Crops = append(found.Crops, borrower.Crop{
			Kind:         required(l, "kind", parseCropKind),
			AreaMu:       required(l, "area_mu", borrower.ParseArea),
			Year:         l.integer("year", domain.YearMin, domain.YearMax),
			HarvestMonth: l.integer("harvest_month", 1, 12),
		})
	}
	return found
}

// nonNegativeAmount reads a sum of money, zero or more: a household may have no debts.
func nonNegativeAmount(s string) (money.Amount, error) {
	a, err := money.ParseAmount(s)
	if err == nil && a.Sign() < 0 {
		return money.Amount{}, domain.BadValue("negative", "金额不能为负")
	}
	return a, err
}

func parseLandKind(s string) (borrower.LandKind, error) { return enum(borrower.LandKind(s)) }

func parseLivestockKind(s string) (borrower.LivestockKind, error) {
	return enum(borrower.LivestockKind(s))
}

func parseCropKind(s string) (borrower.CropKind, error) { return enum(borrower.CropKind(s)) }

func (s *server) changeFigures(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	change := origination.FiguresChange{
		Year:           in.integer("year", domain.YearMin, domain.YearMax),
		IncomeDeclared: optional(in, "income_declared", nonNegativeAmount),
		DebtsDeclared:  optional(in, "debts_declared", nonNegativeAmount),
		IncomeVerified: optional(in, "income_verified", nonNegativeAmount),
		DebtsVerified:  optional(in, "debts_verified", nonNegativeAmount),
		VerifiedBasis:  in.text("verified_basis", 0, borrower.BasisRunesMax),
	}
	if err := doneWith(in, s.borrowers.CheckFigures(actor(c), change)); err != nil {
		return err
	}
	h, err := s.borrowers.ChangeFigures(c.Request.Context(), actor(c), id, change)
	if err != nil {
		return err
	}
	return s.answerHousehold(c, h)
}

type landView struct {
	ID            domain.ID         `json:"id"`
	Kind          borrower.LandKind `json:"kind"`
	AreaMu        borrower.Area     `json:"area_mu"`
	Place         string            `json:"place"`
	CertificateNo string            `json:"certificate_no"`
	ContractFrom  *domain.Date      `json:"contract_from"`
	ContractUntil *domain.Date      `json:"contract_until"`
	HeldFrom      *domain.Date      `json:"held_from"`
	ReleasedOn    *domain.Date      `json:"released_on"`
}

func viewLands(lands []borrower.Land) []landView {
	views := make([]landView, len(lands))
	for i, l := range lands {
		views[i] = landView{
			ID: l.ID, Kind: l.Kind, AreaMu: l.AreaMu, Place: l.Place, CertificateNo: l.CertificateNo, ContractFrom: present(l.ContractFrom),
			ContractUntil: present(l.ContractUntil), HeldFrom: present(l.HeldFrom), ReleasedOn: present(l.ReleasedOn),
		}
	}
	return views
}

type livestockView struct {
	ID        domain.ID              `json:"id"`
	Kind      borrower.LivestockKind `json:"kind"`
	Heads     int                    `json:"heads"`
	CountedOn domain.Date            `json:"counted_on"`
}

func viewLivestock(counts []borrower.Livestock) []livestockView {
	views := make([]livestockView, len(counts))
	for i, l := range counts {
		views[i] = livestockView(l)
	}
	return views
}

type cropView struct {
	ID           domain.ID         `json:"id"`
	Kind         borrower.CropKind `json:"kind"`
	AreaMu       borrower.Area     `json:"area_mu"`
	Year         int               `json:"year"`
	HarvestMonth int               `json:"harvest_month"`
}

func viewCrops(crops []borrower.Crop) []cropView {
	views := make([]cropView, len(crops))
	for i, c := range crops {
		views[i] = cropView(c)
	}
	return views
}

type figuresView struct {
	Year   int            `json:"year"`
	Income assessmentView `json:"income"`
	Debts  assessmentView `json:"debts"`
}

// assessmentView shows what is declared beside what was verified; null is what nobody has said.
type assessmentView struct {
	Declared      *money.Amount `json:"declared"`
	DeclaredAt    *time.Time    `json:"declared_at"`
	Verified      *money.Amount `json:"verified"`
	VerifiedAt    *time.Time    `json:"verified_at"`
	VerifiedBy    *domain.ID    `json:"verified_by"`
	VerifiedBasis string        `json:"verified_basis"`
}

func viewFigures(figures []borrower.YearFigures) []figuresView {
	views := make([]figuresView, len(figures))
	for i, f := range figures {
		views[i] = figuresView{Year: f.Year, Income: viewAssessment(f.Income), Debts: viewAssessment(f.Debts)}
	}
	return views
}

func viewAssessment(a borrower.Assessment) assessmentView {
	v := assessmentView{
		DeclaredAt: present(a.DeclaredAt), VerifiedAt: present(a.VerifiedAt), VerifiedBy: present(a.VerifiedBy), VerifiedBasis: a.VerifiedBasis,
	}
	if !a.DeclaredAt.IsZero() {
		v.Declared = &a.Declared
	}
	if a.IsVerified() {
		v.Verified = &a.Verified
	}
	return v
}
