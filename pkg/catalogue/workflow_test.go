package catalogue

import "testing"

// TestCheckCron: schedules that GitHub and GitLab take, and others.
func TestCheckCron(t *testing.T) {
	for schedule, good := range map[string]bool{
		"17 3 * * 1": true, "*/15 0-6,22 1,15 * MON-FRI": true, "0 0 31 DEC sun": true, "0-59/2 * * * *": true,
		"": false, "every monday": false, "@daily": false, "60 * * * *": false, "* 24 * * *": false, "* * 0 * *": false,
		"* * * 13 *": false, "* * * * 7": false, "* * * * MOND": false, "* * * AND *": false, "5-1 * * * *": false,
		"*/0 * * * *": false, "* * * *": false, "* * * * * *": false, "+1 * * * *": false, "1  * * * *": false,
		"1,,2 * * * *": false, "*-5 * * * *": false, "* * * * *\n": false, "*/ * * * *": false, "${{ x }} * * * *": false,
	} {
		if err := checkCron(schedule); (err == nil) != good {
			t.Errorf("%q: %v", schedule, err)
		}
	}
}
