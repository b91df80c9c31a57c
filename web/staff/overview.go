package staff

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/consentd/consentd/consent"
)

// overviewPage is how things stand, in numbers and pictures.
type overviewPage struct {
	At          time.Time
	Total       int64
	Statuses    table
	Lapses      barChart
	LapseDays   []use
	Refreshes   table
	HandOuts    table
	Incidents   []consent.Incident
	Failing     int64
	Short       int64
	Undelivered int64
}

// table is numbers by row and column, with a picture of each row's share.
type table struct {
	Columns []string
	Rows    []row
}

// titledTable is a table as it is shown.
type titledTable struct {
	Title, Head string
	Table       table
}

type row struct {
	Label, Sub string
	Link       string
	Cells      []int64
	Share      int // of the greatest row, in hundredths
	N          int64
}

func (s *server) overview(c *call) error {
	o, err := s.desk.Overview(c.Request().Context())
	if err != nil {
		return err
	}
	incidents, err := s.desk.Incidents(c.Request().Context())
	if err != nil {
		return err
	}
	lasting := slices.DeleteFunc(incidents, func(i consent.Incident) bool { return !i.On(s.desk.Now()) })
	p := overviewPage{At: o.At, Incidents: lasting, Undelivered: o.Undelivered, Failing: sum(o.Failing), Short: sum(o.Short), Total: sum(o.Consents)}
	p.Statuses = s.statusTable(o.Consents)
	p.Lapses, p.LapseDays = lapseChart(o.Lapses)
	p.Refreshes = s.refreshTable(o.Refreshes)
	p.HandOuts = s.handOutTable(o.HandOuts)
	return s.show(c, http.StatusOK, "overview", p)
}

func sum(counts []consent.Count) (n int64) {
	for _, c := range counts {
		n += c.N
	}
	return n
}

// statusTable counts by app and bank, a column for each status there is.
func (s *server) statusTable(counts []consent.Count) table {
	byStatus := make(map[consent.Status]bool)
	rows := make(map[[2]string]map[consent.Status]int64)
	for _, c := range counts {
		key := [2]string{c.App, c.Bank}
		if rows[key] == nil {
			rows[key] = make(map[consent.Status]int64)
		}
		rows[key][c.Status] += c.N
		byStatus[c.Status] = true
	}
	var t table
	var columns []consent.Status
	for _, status := range statusChoices {
		if byStatus[status] {
			columns = append(columns, status)
			t.Columns = append(t.Columns, statusWord(status))
		}
	}
	for key, counts := range rows {
		r := row{Label: s.appName(key[0]), Sub: s.bankName(key[1]), Link: "/?app=" + key[0] + "&bank=" + key[1]}
		for _, status := range columns {
			r.Cells = append(r.Cells, counts[status])
			r.N += counts[status]
		}
		t.Rows = append(t.Rows, r)
	}
	return t.sorted()
}

// sorted puts the greatest first, and says what part of it the others are.
func (t table) sorted() table {
	slices.SortFunc(t.Rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Sub, b.Sub))
	})
	for i := range t.Rows {
		if most := t.Rows[0].N; most > 0 {
			t.Rows[i].Share = int(t.Rows[i].N * 100 / most)
		}
	}
	return t
}

// lapseChart is the ends on each of the days to come; the table beside it has
// those that are not zero.
func lapseChart(days []consent.DayCount) (barChart, []use) {
	var labels []string
	var values []int64
	var listed []use
	for _, d := range days {
		label := d.Day.Format("2 January")
		labels, values = append(labels, label), append(values, d.N)
		if d.N > 0 {
			listed = append(listed, use{Day: label, N: d.N})
		}
	}
	return newBarChart("lapses", "Accesses that end today and on each of the next 90 days", labels, values), listed
}

func (s *server) refreshTable(days []consent.RefreshDay) table {
	byBank := make(map[string]*row)
	for _, d := range days {
		r := rowOf(byBank, d.Bank, s.bankName(d.Bank))
		r.Cells[0] += d.Failed
		r.Cells[1] += d.Refused
		r.N += d.Failed + d.Refused
	}
	return tableOf(byBank, "no usable answer", "refused: access ended")
}

func (s *server) handOutTable(days []consent.HandOutsDay) table {
	byApp := make(map[string]*row)
	for _, d := range days {
		r := rowOf(byApp, d.App, s.appName(d.App))
		r.Cells[0] += d.Allowed
		r.Cells[1] += d.Denied
		r.N += d.Allowed + d.Denied
	}
	return tableOf(byApp, "given", "denied")
}

func rowOf(rows map[string]*row, key, label string) *row {
	if rows[key] == nil {
		rows[key] = &row{Label: label, Cells: make([]int64, 2)}
	}
	return rows[key]
}

func tableOf(rows map[string]*row, columns ...string) table {
	t := table{Columns: columns}
	for r := range maps.Values(rows) {
		t.Rows = append(t.Rows, *r)
	}
	return t.sorted()
}
