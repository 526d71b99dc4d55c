package demodata

import (
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/staff"
)

type authorityFile struct {
	Note          string           `json:"note"`
	DraftedBy     string           `json:"drafted_by"`
	ActivatedBy   string           `json:"activated_by"`
	DraftedAt     time.Time        `json:"drafted_at"`
	ActivatedAt   time.Time        `json:"activated_at"`
	EffectiveFrom domain.Date      `json:"effective_from"`
	RegionPrefix  string           `json:"region_prefix"`
	Basis         string           `json:"basis"`
	Authorities   []authorityEntry `json:"authorities"`
}

type authorityEntry struct {
	ID                  domain.ID           `json:"id"`
	Kind                staff.AuthorityKind `json:"kind"`
	Role                domain.Role         `json:"role"`
	User                string              `json:"user"`
	GuaranteeKind       string              `json:"guarantee_kind"`
	Amount              money.Amount        `json:"amount"`
	Members             []string            `json:"members"`
	Quorum              int                 `json:"quorum"`
	MajorityNumerator   int                 `json:"majority_numerator"`
	MajorityDenominator int                 `json:"majority_denominator"`
}

// Authorities returns the demo lender's approval authorities (审批权限), in force since the catalogue's first day.
func Authorities() ([]staff.Authority, error) {
	var file authorityFile
	if err := decodeFile("authority.json", &file); err != nil {
		return nil, err
	}
	members, err := StaffMembers()
	if err != nil {
		return nil, err
	}
	ids := map[string]domain.ID{}
	for _, m := range members {
		ids[m.Username] = m.ID
	}
	authorities := make([]staff.Authority, len(file.Authorities))
	for i, e := range file.Authorities {
		a := staff.Authority{
			ID: e.ID, Kind: e.Kind, Role: e.Role, UserID: ids[e.User], GuaranteeKind: e.GuaranteeKind, RegionPrefix: file.RegionPrefix,
			Amount: e.Amount, Quorum: e.Quorum, MajorityNumerator: e.MajorityNumerator, MajorityDenominator: e.MajorityDenominator,
			EffectiveFrom: file.EffectiveFrom, Basis: file.Basis, Sample: true,
			Status: staff.AuthorityActive, DraftedBy: ids[file.DraftedBy], DraftedAt: file.DraftedAt,
			ActivatedBy: ids[file.ActivatedBy], ActivatedAt: file.ActivatedAt, Version: 2,
		}
		for _, name := range e.Members {
			a.Members = append(a.Members, ids[name])
		}
		if err := a.Validate(); err != nil {
			return nil, fmt.Errorf("demodata: authority %s: %w", e.ID, err)
		}
		authorities[i] = a
	}
	return authorities, nil
}
