package repository

import (
	"encoding/json"
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
)

// propertyDocument is what a household or an organisation works with and earns: lists that are always read and written
// together with their owner and never searched, so they are one JSON document and not five tables.
type propertyDocument struct {
	Lands     []landDocument      `json:"lands,omitempty"`
	Livestock []livestockDocument `json:"livestock,omitempty"`
	Crops     []cropDocument      `json:"crops,omitempty"`
	Figures   []figuresDocument   `json:"figures,omitempty"`
}

type landDocument struct {
	ID            domain.ID         `json:"id"`
	Kind          borrower.LandKind `json:"kind"`
	AreaMu        borrower.Area     `json:"area_mu"`
	Place         string            `json:"place,omitzero"`
	CertificateNo string            `json:"certificate_no,omitzero"`
	ContractFrom  domain.Date       `json:"contract_from,omitzero"`
	ContractUntil domain.Date       `json:"contract_until,omitzero"`
	HeldFrom      domain.Date       `json:"held_from,omitzero"`
	ReleasedOn    domain.Date       `json:"released_on,omitzero"`
}

type livestockDocument struct {
	ID        domain.ID              `json:"id"`
	Kind      borrower.LivestockKind `json:"kind"`
	Heads     int                    `json:"heads"`
	CountedOn domain.Date            `json:"counted_on"`
}

type cropDocument struct {
	ID           domain.ID         `json:"id"`
	Kind         borrower.CropKind `json:"kind"`
	AreaMu       borrower.Area     `json:"area_mu"`
	Year         int               `json:"year"`
	HarvestMonth int               `json:"harvest_month"`
}

type figuresDocument struct {
	Year   int                `json:"year"`
	Income assessmentDocument `json:"income"`
	Debts  assessmentDocument `json:"debts"`
}

type assessmentDocument struct {
	Declared   money.Amount `json:"declared,omitzero"`
	DeclaredAt time.Time    `json:"declared_at,omitzero"`

	Verified      money.Amount `json:"verified,omitzero"`
	VerifiedAt    time.Time    `json:"verified_at,omitzero"`
	VerifiedBy    domain.ID    `json:"verified_by,omitzero"`
	VerifiedBasis string       `json:"verified_basis,omitzero"`
}

type changeDocument struct {
	Kind        borrower.ChangeKind `json:"kind"`
	On          domain.Date         `json:"on"`
	MemberID    domain.ID           `json:"member_id,omitzero"`
	FormerID    domain.ID           `json:"former_id,omitzero"`
	HouseholdID domain.ID           `json:"household_id,omitzero"`
	Reason      string              `json:"reason"`
}

func propertyToDocument(lands []borrower.Land, livestock []borrower.Livestock, crops []borrower.Crop, figures []borrower.YearFigures) propertyDocument {
	return propertyDocument{
		Lands:     convert(lands, func(l borrower.Land) landDocument { return landDocument(l) }),
		Livestock: convert(livestock, func(l borrower.Livestock) livestockDocument { return livestockDocument(l) }),
		Crops:     convert(crops, func(c borrower.Crop) cropDocument { return cropDocument(c) }),
		Figures: convert(figures, func(f borrower.YearFigures) figuresDocument {
			return figuresDocument{Year: f.Year, Income: assessmentDocument(f.Income), Debts: assessmentDocument(f.Debts)}
		}),
	}
}

func (d propertyDocument) lands() []borrower.Land {
	return convert(d.Lands, func(l landDocument) borrower.Land { return borrower.Land(l) })
}

func (d propertyDocument) livestock() []borrower.Livestock {
	return convert(d.Livestock, func(l livestockDocument) borrower.Livestock { return borrower.Livestock(l) })
}

func (d propertyDocument) crops() []borrower.Crop {
	return convert(d.Crops, func(c cropDocument) borrower.Crop { return borrower.Crop(c) })
}

func (d propertyDocument) figures() []borrower.YearFigures {
	return convert(d.Figures, func(f figuresDocument) borrower.YearFigures {
		return borrower.YearFigures{Year: f.Year, Income: borrower.Assessment(f.Income), Debts: borrower.Assessment(f.Debts)}
	})
}

// organisationDocument is encrypted as a whole: it names people by their numbers.
type organisationDocument struct {
	RegisteredOn   domain.Date            `json:"registered_on,omitzero"`
	Representative representativeDocument `json:"representative"`
	Shareholders   []shareholderDocument  `json:"shareholders,omitempty"`
	Property       propertyDocument       `json:"property"`
}

type representativeDocument struct {
	Name     string                      `json:"name"`
	IDNumber string                      `json:"id_number"`
	Phone    string                      `json:"phone,omitzero"`
	Role     borrower.RepresentativeRole `json:"role"`
}

type shareholderDocument struct {
	Name       string     `json:"name"`
	IDNumber   string     `json:"id_number,omitzero"`
	CreditCode string     `json:"credit_code,omitzero"`
	SharePct   money.Rate `json:"share_pct"`
}

// sealOrganisation encrypts what is known of an organisation; a person's is empty.
func (c *Cipher) sealOrganisation(b borrower.Borrower) ([]byte, error) {
	if !b.Kind.IsOrganisation() || !b.AnonymisedAt.IsZero() {
		return []byte{}, nil
	}
	o := b.Organisation
	text, err := json.Marshal(organisationDocument{
		RegisteredOn: o.RegisteredOn,
		Representative: representativeDocument{
			Name: o.Representative.Name.Reveal(), IDNumber: o.Representative.IDNumber.Reveal(),
			Phone: o.Representative.Phone.Reveal(), Role: o.Representative.Role,
		},
		Shareholders: convert(o.Shareholders, func(s borrower.Shareholder) shareholderDocument {
			return shareholderDocument{Name: s.Name.Reveal(), IDNumber: s.IDNumber.Reveal(), CreditCode: s.CreditCode.Reveal(), SharePct: s.SharePct}
		}),
		Property: propertyToDocument(o.Lands, o.Livestock, o.Crops, o.Figures),
	})
	if err != nil {
		return nil, fmt.Errorf("organisation of borrower %s: %w", b.ID, err)
	}
	return c.seal("borrowers.organisation", b.ID, string(text))
}

func (c *Cipher) openOrganisation(id domain.ID, sealed []byte) (o borrower.Organisation, err error) {
	text, err := c.open("borrowers.organisation", id, sealed)
	if err != nil || text == "" {
		return borrower.Organisation{}, err
	}
	var d organisationDocument
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return borrower.Organisation{}, fmt.Errorf("organisation of borrower %s cannot be read", id) // the cause would quote the text
	}
	o = borrower.Organisation{
		RegisteredOn: d.RegisteredOn, Lands: d.Property.lands(), Livestock: d.Property.livestock(), Crops: d.Property.crops(),
		Figures: d.Property.figures(),
	}
	o.Representative.Role = d.Representative.Role
	if o.Representative.Name, err = storedText(d.Representative.Name, borrower.ParseName); err != nil {
		return borrower.Organisation{}, fmt.Errorf("representative of borrower %s: %w", id, err)
	}
	if o.Representative.IDNumber, err = storedText(d.Representative.IDNumber, borrower.ParseIDNumber); err != nil {
		return borrower.Organisation{}, fmt.Errorf("representative of borrower %s: %w", id, err)
	}
	if o.Representative.Phone, err = storedText(d.Representative.Phone, borrower.ParsePhone); err != nil {
		return borrower.Organisation{}, fmt.Errorf("representative of borrower %s: %w", id, err)
	}
	if o.Shareholders, err = mapParts(d.Shareholders, shareholderFromDocument); err != nil {
		return borrower.Organisation{}, fmt.Errorf("shareholder of borrower %s: %w", id, err)
	}
	return o, nil
}

func shareholderFromDocument(d shareholderDocument) (s borrower.Shareholder, err error) {
	s.SharePct = d.SharePct
	if s.Name, err = storedText(d.Name, borrower.ParseName); err != nil {
		return borrower.Shareholder{}, err
	}
	if s.IDNumber, err = storedText(d.IDNumber, borrower.ParseIDNumber); err != nil {
		return borrower.Shareholder{}, err
	}
	s.CreditCode, err = storedText(d.CreditCode, borrower.ParseCreditCode)
	return s, err
}
