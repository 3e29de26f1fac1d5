package main

import (
	"errors"
	"time"

	"github.com/pion/webrtc"
)

const setupLimit = 20 * time.Second

// pair is two connections of this process, candidates trickled from one to the other.
type pair struct {
	offerer, answerer *webrtc.PeerConnection
}

func (b *bench) newPair() (*pair, error) {
	offerer, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	answerer, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	return &pair{offerer, answerer}, nil
}

func (p *pair) addAudio() error {
	direction := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	_, err := p.offerer.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, direction)
	return err
}

// trickle hands over candidates, those that come before open is closed once it is.
func trickle(from, to *webrtc.PeerConnection, open <-chan struct{}) {
	from.OnICECandidate(func(found *webrtc.ICECandidate) {
		if found == nil {
			return
		}
		go func() {
			<-open
			// A connection that is closed meanwhile takes no candidate.
			_ = to.AddICECandidate(found.ToJSON())
		}()
	})
}

func whenConnected(connection *webrtc.PeerConnection) <-chan error {
	settled := make(chan error, 2)
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			settled <- nil
		case webrtc.PeerConnectionStateFailed:
			settled <- errors.New("the connection failed")
		}
	})
	return settled
}

func setBoth(from, to *webrtc.PeerConnection, description webrtc.SessionDescription, err error) error {
	if err != nil {
		return err
	}
	if err := from.SetLocalDescription(description); err != nil {
		return err
	}
	return to.SetRemoteDescription(description)
}

// connect is createOffer to both sides connected.
func (p *pair) connect() error {
	answererOpen, offererOpen := make(chan struct{}), make(chan struct{})
	trickle(p.offerer, p.answerer, answererOpen)
	trickle(p.answerer, p.offerer, offererOpen)
	connected := []<-chan error{whenConnected(p.offerer), whenConnected(p.answerer)}
	offer, err := p.offerer.CreateOffer(nil)
	if err := setBoth(p.offerer, p.answerer, offer, err); err != nil {
		return err
	}
	close(answererOpen)
	answer, err := p.answerer.CreateAnswer(nil)
	if err := setBoth(p.answerer, p.offerer, answer, err); err != nil {
		return err
	}
	close(offererOpen)
	limit := time.After(setupLimit)
	for _, settled := range connected {
		select {
		case err := <-settled:
			if err != nil {
				return err
			}
		case <-limit:
			return errors.New("not connected in time")
		}
	}
	return nil
}

func (p *pair) close() {
	_ = p.offerer.Close()
	_ = p.answerer.Close()
}

// setup returns milliseconds; null: did not connect.
func (b *bench) setup(options) (interface{}, error) {
	p, err := b.newPair()
	if err != nil {
		return nil, err
	}
	if err := p.addAudio(); err != nil {
		return nil, err
	}
	from := time.Now()
	err = p.connect()
	took := time.Since(from)
	p.close()
	// What a closing leaves behind is not the next set-up's.
	time.Sleep(20 * time.Millisecond)
	if err != nil {
		return nil, nil
	}
	return took.Seconds() * 1000, nil
}
