package site

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"
)

// timeline shows until when versions of a runtime are supported.
type timeline struct {
	Rows          []timelineRow
	Years         []timelineYear
	From, To      string // the days at both ends of the axis
	Height, Width int    // in user units
	Left, Right   int    // of the axis
	Foot          int    // where the years stand
}

type timelineRow struct {
	Label, Day string
	Deprecated bool
	X, Y, Mid  int
}

type timelineYear struct {
	Year int
	X    int
}

// Sizes in user units.
const (
	timelineWidth = 720
	timelineRight = 690
	timelineLabel = 200 // of a label at most
	timelineGlyph = 7   // width of a letter
	timelineGap   = 14
	timelineTop   = 10
	timelineStep  = 28
	timelineBar   = 12
	timelineDays  = 30 // shown before the first day and after the last
	timelineYears = 12 // that are written at most
)

// newTimeline has the versions whose day is known: that since which they are
// deprecated, else that of their end of life. nil when there is none.
func newTimeline(versions []*Image) *timeline {
	type entry struct {
		*Image
		day time.Time
	}
	var entries []entry
	for _, v := range versions {
		if day, err := time.Parse(time.DateOnly, cmp.Or(v.Deprecated, v.EndOfLife)); err == nil {
			entries = append(entries, entry{v, day})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.day.Compare(b.day) })
	from := entries[0].day.AddDate(-1, 0, -timelineDays)
	to := entries[len(entries)-1].day.AddDate(0, 0, timelineDays)
	left := 0
	for _, e := range entries {
		left = max(left, min(utf8.RuneCountInString(e.Version)*timelineGlyph, timelineLabel)+timelineGap)
	}
	at := func(day time.Time) int {
		return left + int((day.Unix()-from.Unix())*int64(timelineRight-left)/(to.Unix()-from.Unix()))
	}
	t := &timeline{From: from.Format(time.DateOnly), To: to.Format(time.DateOnly), Width: timelineWidth, Left: left, Right: timelineRight}
	for n, e := range entries {
		y := timelineTop + n*timelineStep
		t.Rows = append(t.Rows, timelineRow{e.Version, e.day.Format(time.DateOnly), e.Deprecated != "", at(e.day), y, y + timelineBar/2})
	}
	t.Foot = timelineTop + len(entries)*timelineStep + timelineBar
	t.Height = t.Foot + timelineBar
	every := (to.Year()-from.Year())/timelineYears + 1
	for year := from.Year() + 1; year <= to.Year(); year += every {
		t.Years = append(t.Years, timelineYear{year, at(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))})
	}
	return t
}

// Length is how long the bar of a row is, from where the axis begins.
func (r timelineRow) Length(left int) int { return max(r.X-left, 1) }
