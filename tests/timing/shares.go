package timing

// Shares divides what the processors do among what runs at once, in equal parts:
// nothing says who does how much of it. The zero value is ready.
type Shares struct {
	last    float64
	running map[string]bool
	taken   map[string]float64
}

// Begin says that something runs, or goes on, when the processors have done so
// many seconds.
func (s *Shares) Begin(name string, processor float64) {
	s.divide(processor)
	if s.running == nil {
		s.running, s.taken = map[string]bool{}, map[string]float64{}
	}
	s.running[name] = true
}

// Pause says that something waits for its turn.
func (s *Shares) Pause(name string, processor float64) {
	s.divide(processor)
	delete(s.running, name)
}

// End says that something has ended, and is what it has taken.
func (s *Shares) End(name string, processor float64) float64 {
	s.Pause(name, processor)
	taken := s.taken[name]
	delete(s.taken, name)
	return taken
}

func (s *Shares) divide(processor float64) {
	share := (processor - s.last) / float64(max(len(s.running), 1))
	for name := range s.running {
		s.taken[name] += share
	}
	s.last = processor
}
