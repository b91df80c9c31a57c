package staff

import "slices"

// Role is what somebody is to the console.
type Role string

// The roles, the one that counts first when somebody has several.
const (
	Admin   Role = "admin"
	Support Role = "support"
	Auditor Role = "auditor"
)

var roles = []Role{Admin, Support, Auditor}

// act is what a route is for. Every route has one, and the table below says
// who may.
type act string

const (
	actAnybody act = ""         // also who is not signed in
	actSee     act = "see"      // find, look at, and read numbers
	actSend    act = "send"     // renewal links, and messages again
	actStop    act = "stop"     // end an access
	actAudit   act = "audit"    // read and take out what is on record
	actOperate act = "operate"  // end an incident, send events to apps again, end others' sessions
	actSelf    act = "sign-out" // whoever is signed in
)

// may is the one table of who may do what.
var may = map[act][]Role{
	actSee:     {Admin, Support, Auditor},
	actSend:    {Admin, Support},
	actStop:    {Admin, Support},
	actAudit:   {Admin, Auditor},
	actOperate: {Admin},
	actSelf:    {Admin, Support, Auditor},
}

// may reports whether a role may act.
func (r Role) may(a act) bool { return a == actAnybody || slices.Contains(may[a], r) }

// roleOf is the role that the company's groups give, empty for none.
func roleOf(byGroup map[string]Role, groups []string) Role {
	for _, role := range roles {
		for _, g := range groups {
			if byGroup[g] == role {
				return role
			}
		}
	}
	return ""
}
