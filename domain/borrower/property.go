package borrower

import (
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// LandKind is by what right land is worked (土地类型).
type LandKind string

// The kinds of land.
const (
	LandContracted LandKind = "contracted" // 家庭承包地
	LandLeased     LandKind = "leased"     // 流转（租入）土地
	LandForest     LandKind = "forest"     // 林地
	LandPond       LandKind = "pond"       // 水面、滩涂
	LandFacility   LandKind = "facility"   // 设施农用地（棚、舍）
)

// Valid reports whether k is one of the kinds.
func (k LandKind) Valid() bool {
	switch k {
	case LandContracted, LandLeased, LandForest, LandPond, LandFacility:
		return true
	}
	return false
}

// Lengths of the free texts about property, in characters.
const (
	PlaceRunesMax       = 100
	CertificateRunesMax = 40
	BasisRunesMax       = 200
)

// Land is one plot, or several under one contract (地块), while one household or organisation works it. A plot that goes
// to another household is released here and written there under the same ID, so both know it; one that comes back has a
// second entry, with another HeldFrom.
type Land struct {
	ID            domain.ID
	Kind          LandKind
	AreaMu        Area
	Place         string      // where it lies, as people there call it; may be ""
	CertificateNo string      // 权属证书或合同编号; may be ""
	ContractFrom  domain.Date // zero when not known
	ContractUntil domain.Date // the last day of the contract; zero for one without an end. Required of leased land
	HeldFrom      domain.Date // the first day on which it is worked here; zero when it was before the record began
	ReleasedOn    domain.Date // the first day on which it is no longer worked; zero while it is
}

// HeldOn reports whether the land is worked on the day: not released, and the contract begun and not ended.
func (l Land) HeldOn(day domain.Date) bool {
	return !day.Before(l.ContractFrom) && !day.Before(l.HeldFrom) && (l.ContractUntil.IsZero() || !day.After(l.ContractUntil)) &&
		(l.ReleasedOn.IsZero() || day.Before(l.ReleasedOn))
}

// Validate names all that is wrong with the land, by the JSON names id, kind, area_mu, place, certificate_no,
// contract_from, contract_until, held_from and released_on.
func (l Land) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", l.ID)
	requireValid(&p, "/kind", string(l.Kind), l.Kind.Valid())
	if l.AreaMu.IsZero() {
		p.Check("/area_mu", errRequired)
	}
	checkText(&p, "/place", l.Place, 0, PlaceRunesMax)
	checkText(&p, "/certificate_no", l.CertificateNo, 0, CertificateRunesMax)
	switch {
	case l.ContractUntil.IsZero() && l.Kind == LandLeased:
		p.Add("/contract_until", "required", "流转土地必须填写合同到期日")
	case !l.ContractUntil.IsZero() && l.ContractUntil.Before(l.ContractFrom):
		p.Add("/contract_until", "date-order", "合同到期日不能早于起始日")
	}
	if !l.ReleasedOn.IsZero() && !l.ReleasedOn.After(l.HeldFrom) {
		p.Add("/released_on", "date-order", "转出日期应晚于开始耕种的日期")
	}
	return p.Err()
}

// LandAreaOn adds up the land that is worked on the day.
func LandAreaOn(lands []Land, day domain.Date) Area {
	var total Area
	for _, land := range lands {
		if land.HeldOn(day) {
			total = total.Add(land.AreaMu)
		}
	}
	return total
}

// LivestockKind is what animals are kept (养殖种类).
type LivestockKind string

// The kinds of livestock.
const (
	LivestockPig       LivestockKind = "pig"        // 生猪
	LivestockCattle    LivestockKind = "cattle"     // 牛
	LivestockSheepGoat LivestockKind = "sheep_goat" // 羊
	LivestockChicken   LivestockKind = "chicken"    // 鸡
	LivestockDuck      LivestockKind = "duck"       // 鸭
	LivestockGoose     LivestockKind = "goose"      // 鹅
	LivestockRabbit    LivestockKind = "rabbit"     // 兔
	LivestockAquatic   LivestockKind = "aquatic"    // 水产（尾）
	LivestockOther     LivestockKind = "other"      // 其他
)

// Valid reports whether k is one of the kinds.
func (k LivestockKind) Valid() bool {
	switch k {
	case LivestockPig, LivestockCattle, LivestockSheepGoat, LivestockChicken, LivestockDuck, LivestockGoose,
		LivestockRabbit, LivestockAquatic, LivestockOther:
		return true
	}
	return false
}

// HeadsMax bounds a count of animals.
const HeadsMax = 10_000_000

// Livestock is one count of animals (存栏). A new count is a new row: the old one stays true of its day.
type Livestock struct {
	ID        domain.ID
	Kind      LivestockKind
	Heads     int // 0 to HeadsMax: a count may find none
	CountedOn domain.Date
}

// Validate names all that is wrong with the count, by the JSON names id, kind, heads and counted_on.
func (l Livestock) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", l.ID)
	requireValid(&p, "/kind", string(l.Kind), l.Kind.Valid())
	if l.Heads < 0 || l.Heads > HeadsMax {
		p.Add("/heads", "out-of-range", "存栏数应为 0 至 %d", HeadsMax)
	}
	if l.CountedOn.IsZero() {
		p.Check("/counted_on", errRequired)
	}
	return p.Err()
}

// CropKind is what is grown (种植种类).
type CropKind string

// The kinds of crops.
const (
	CropWheat     CropKind = "wheat"     // 小麦
	CropMaize     CropKind = "maize"     // 玉米
	CropRice      CropKind = "rice"      // 水稻
	CropSoybean   CropKind = "soybean"   // 大豆
	CropPeanut    CropKind = "peanut"    // 花生
	CropCotton    CropKind = "cotton"    // 棉花
	CropVegetable CropKind = "vegetable" // 蔬菜
	CropFruit     CropKind = "fruit"     // 果品
	CropSeedling  CropKind = "seedling"  // 苗木
	CropFungus    CropKind = "fungus"    // 食用菌
	CropHerb      CropKind = "herb"      // 中药材
	CropOther     CropKind = "other"     // 其他
)

// Valid reports whether k is one of the kinds.
func (k CropKind) Valid() bool {
	switch k {
	case CropWheat, CropMaize, CropRice, CropSoybean, CropPeanut, CropCotton, CropVegetable, CropFruit, CropSeedling,
		CropFungus, CropHerb, CropOther:
		return true
	}
	return false
}

// IsGrain reports whether the crop is grain (粮食, beans among it), for which some guarantee fees are lower.
func (k CropKind) IsGrain() bool {
	switch k {
	case CropWheat, CropMaize, CropRice, CropSoybean:
		return true
	case CropPeanut, CropCotton, CropVegetable, CropFruit, CropSeedling, CropFungus, CropHerb, CropOther:
		return false
	}
	return false
}

// Crop is what grows on an area in one year (种植).
type Crop struct {
	ID           domain.ID
	Kind         CropKind
	AreaMu       Area
	Year         int // of the harvest
	HarvestMonth int // 1 to 12: seasonal repayment follows it
}

// Validate names all that is wrong with the crop, by the JSON names id, kind, area_mu, year and harvest_month.
func (c Crop) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", c.ID)
	requireValid(&p, "/kind", string(c.Kind), c.Kind.Valid())
	if c.AreaMu.IsZero() {
		p.Check("/area_mu", errRequired)
	}
	checkYear(&p, "/year", c.Year)
	if c.HarvestMonth < 1 || c.HarvestMonth > 12 {
		p.Add("/harvest_month", "out-of-range", "收获月份应为 1 至 12")
	}
	return p.Err()
}

func checkYear(p *domain.Problems, pointer string, year int) {
	if year < domain.YearMin || year > domain.YearMax {
		p.Add(pointer, "out-of-range", "年份应为 %d 至 %d", domain.YearMin, domain.YearMax)
	}
}

// Assessment is one sum as the borrower declares it and as the lender verified it (申报值、核实值). The two stand side by
// side for ever: neither is overwritten by the other, because the difference itself says something.
type Assessment struct {
	Declared   money.Amount
	DeclaredAt time.Time // zero: not declared

	Verified      money.Amount
	VerifiedAt    time.Time // zero: not verified
	VerifiedBy    domain.ID
	VerifiedBasis string // by what: 流水、合同、实地查看
}

// Declare returns a with another declared value; what was verified stays.
func (a Assessment) Declare(amount money.Amount, at time.Time) Assessment {
	a.Declared, a.DeclaredAt = amount, at
	return a
}

// Verify returns a with another verified value; what was declared stays.
func (a Assessment) Verify(amount money.Amount, by domain.ID, basis string, at time.Time) Assessment {
	a.Verified, a.VerifiedBy, a.VerifiedBasis, a.VerifiedAt = amount, by, basis, at
	return a
}

// IsVerified reports whether the lender has verified the sum.
func (a Assessment) IsVerified() bool { return !a.VerifiedAt.IsZero() }

// Validate names all that is wrong with the assessment, by the JSON names declared, declared_at, verified, verified_at,
// verified_by and verified_basis.
func (a Assessment) Validate() error {
	var p domain.Problems
	if a.DeclaredAt.IsZero() && !a.IsVerified() {
		p.Check("/declared", errRequired)
	}
	if a.Declared.Sign() < 0 {
		p.Add("/declared", "amount-negative", "金额不能为负")
	}
	if a.DeclaredAt.IsZero() && !a.Declared.IsZero() {
		p.Check("/declared_at", errRequired)
	}
	if a.Verified.Sign() < 0 {
		p.Add("/verified", "amount-negative", "金额不能为负")
	}
	if !a.IsVerified() {
		if !a.Verified.IsZero() || !a.VerifiedBy.IsZero() || a.VerifiedBasis != "" {
			p.Check("/verified_at", errRequired)
		}
		return p.Err()
	}
	requireID(&p, "/verified_by", a.VerifiedBy)
	checkText(&p, "/verified_basis", a.VerifiedBasis, 1, BasisRunesMax)
	return p.Err()
}

// YearFigures are one year's income, and the debts at its end (年收入、年末负债), in yuan.
type YearFigures struct {
	Year   int
	Income Assessment
	Debts  Assessment
}

// Validate names all that is wrong with the figures, by the JSON names year, income and debts.
func (f YearFigures) Validate() error {
	var p domain.Problems
	checkYear(&p, "/year", f.Year)
	p.Check("/income", f.Income.Validate())
	p.Check("/debts", f.Debts.Validate())
	return p.Err()
}

// checkProperty checks what a household and an organisation have alike.
func checkProperty(p *domain.Problems, pointer string, lands []Land, livestock []Livestock, crops []Crop, figures []YearFigures) {
	checkList(p, pointer+"/lands", lands)
	checkList(p, pointer+"/livestock", livestock)
	checkList(p, pointer+"/crops", crops)
	checkList(p, pointer+"/figures", figures)
	checkUnique(p, pointer+"/lands", "/id", lands, func(l Land) (spell, bool) { return spell{l.ID, l.HeldFrom}, !l.ReleasedOn.IsZero() })
	checkUnique(p, pointer+"/lands", "/id", lands, func(l Land) (domain.ID, bool) { return l.ID, l.ReleasedOn.IsZero() && !l.ID.IsZero() })
	checkUnique(p, pointer+"/livestock", "/id", livestock, func(l Livestock) (domain.ID, bool) { return l.ID, !l.ID.IsZero() })
	checkUnique(p, pointer+"/crops", "/id", crops, func(c Crop) (domain.ID, bool) { return c.ID, !c.ID.IsZero() })
	checkUnique(p, pointer+"/figures", "/year", figures, func(f YearFigures) (int, bool) { return f.Year, true })
}

// spell is one time that something or somebody was with a household: what tells its rows apart.
type spell struct {
	id   domain.ID
	from domain.Date
}
