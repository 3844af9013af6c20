package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Error   *junitFailure `xml:"error"`
	Skipped *junitSkipped `xml:"skipped"`
	Log     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes runs as JUnit's XML, which CI systems show: a suite for
// each version and platform, a case for each rule.
func WriteJUnit(w io.Writer, runs []Run) error {
	all := junitSuites{}
	for _, run := range runs {
		s := suite(run)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suite(run Run) junitSuite {
	s := junitSuite{Name: run.ID + " " + run.Platform, Time: seconds(0)}
	if run.Report == nil {
		s.Tests, s.Errors = 1, 1
		s.Cases = []junitCase{{
			Class: s.Name, Name: "image", Time: seconds(0),
			Error: &junitFailure{"the image could not be tested", run.Error},
		}}
		return s
	}
	s.Timestamp = run.Report.Time.UTC().Format(time.RFC3339)
	var total float64
	for _, r := range run.Report.Results {
		c := junitCase{Class: s.Name, Name: r.Name(), Time: seconds(r.Seconds)}
		switch r.Verdict {
		case Fail:
			s.Failures++
			c.Failure = &junitFailure{what(r), fmt.Sprintf("want %s\ngot %s", r.Want, r.Got)}
			c.Log = r.Log
		case NotRun:
			s.Skipped++
			c.Skipped = &junitSkipped{r.Reason}
		case Pass:
		}
		total += r.Seconds
		s.Cases = append(s.Cases, c)
	}
	s.Tests, s.Time = len(s.Cases), seconds(total)
	return s
}

func seconds(n float64) string { return fmt.Sprintf("%.3f", n) }
