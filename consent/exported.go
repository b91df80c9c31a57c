package consent

import "time"

// ExportedAct is an act as exports have it, a line of JSON for each. Of one
// that is damaged only its place is told.
type ExportedAct struct {
	Seq       int64     `json:"seq"`
	Hash      string    `json:"hash"`
	Damaged   bool      `json:"damaged,omitempty"`
	At        time.Time `json:"at,omitzero"`
	Staff     string    `json:"staff,omitempty"`
	Name      string    `json:"name,omitempty"`
	Role      string    `json:"role,omitempty"`
	Action    string    `json:"action,omitempty"`
	Consent   ID        `json:"consent_id,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Detail    string    `json:"detail,omitempty"`
}

// Exported is the act for an export.
func (a Act) Exported() ExportedAct {
	return ExportedAct{Seq: a.Seq, Hash: a.Hash, Damaged: a.Damaged, At: a.At, Staff: a.Staff.ID, Name: a.Staff.Name, Role: a.Staff.Role,
		Action: a.Action, Consent: a.Consent, Reason: a.Reason, RequestID: a.RequestID, Detail: a.Detail}
}
