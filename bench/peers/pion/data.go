package main

import (
	"sync"
	"time"

	"github.com/pion/webrtc"
)

const (
	// As in data_end.mjs.
	bufferedLimitBytes = 8 << 20
	openLimit          = 20 * time.Second
	warmUpPings        = 20
	// DataChannel.OnMessage reads into a buffer of 65 535 bytes, and closes the channel at a longer message.
	largestMessage = 65_535
)

// dataEnd is one end of a connection with a data channel; the other end has a process of its own.
type dataEnd struct {
	connection *webrtc.PeerConnection
	channel    *webrtc.DataChannel
	opened     chan struct{}

	mutex     sync.Mutex
	onMessage func([]byte)
}

func (e *dataEnd) listen(listener func([]byte)) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.onMessage = listener
}

func (e *dataEnd) adopt(channel *webrtc.DataChannel) {
	e.channel = channel
	channel.OnOpen(func() { close(e.opened) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		e.mutex.Lock()
		listener := e.onMessage
		e.mutex.Unlock()
		listener(message.Data)
	})
}

func (b *bench) openEnd() error {
	connection, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	b.end = &dataEnd{connection: connection, opened: make(chan struct{}), onMessage: func([]byte) {}}
	connection.OnICECandidate(func(found *webrtc.ICECandidate) {
		if found != nil {
			write(object{"note": object{"candidate": found.ToJSON()}})
		}
	})
	connection.OnDataChannel(b.end.adopt)
	return nil
}

func (b *bench) offer(options) (interface{}, error) {
	if err := b.openEnd(); err != nil {
		return nil, err
	}
	channel, err := b.end.connection.CreateDataChannel("bench", nil)
	if err != nil {
		return nil, err
	}
	b.end.adopt(channel)
	offer, err := b.end.connection.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	return offer.SDP, b.end.connection.SetLocalDescription(offer)
}

func (b *bench) answer(asked options) (interface{}, error) {
	if err := b.openEnd(); err != nil {
		return nil, err
	}
	connection := b.end.connection
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: asked.SDP}
	if err := connection.SetRemoteDescription(offer); err != nil {
		return nil, err
	}
	answer, err := connection.CreateAnswer(nil)
	if err != nil {
		return nil, err
	}
	return answer.SDP, connection.SetLocalDescription(answer)
}

func (b *bench) accept(asked options) (interface{}, error) {
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: asked.SDP}
	return nil, b.end.connection.SetRemoteDescription(answer)
}

func (b *bench) candidate(asked options) (interface{}, error) {
	return nil, b.end.connection.AddICECandidate(*asked.Candidate)
}

func (b *bench) opened(options) (interface{}, error) {
	select {
	case <-b.end.opened:
		return true, nil
	case <-time.After(openLimit):
		return false, nil
	}
}

func (b *bench) echo(options) (interface{}, error) {
	end := b.end
	end.listen(func(data []byte) { _ = end.channel.Send(data) })
	return nil, nil
}

// ping sends one message after the other's echo; each round trip in milliseconds.
func (b *bench) ping(asked options) (interface{}, error) {
	echoed := make(chan struct{}, 1)
	b.end.listen(func([]byte) { echoed <- struct{}{} })
	defer b.end.listen(func([]byte) {})
	message := make([]byte, asked.Bytes)
	times := []float64{}
	until := after(asked.Seconds)
	for number := -warmUpPings; number < asked.Count && time.Now().Before(until); number++ {
		from := time.Now()
		if err := b.end.channel.Send(message); err != nil {
			return nil, err
		}
		<-echoed
		if number >= 0 {
			times = append(times, time.Since(from).Seconds()*1000)
		}
	}
	return times, nil
}

func (b *bench) send(asked options) (interface{}, error) {
	message := make([]byte, asked.MessageBytes)
	if len(message) > largestMessage {
		message = message[:largestMessage]
	}
	until := after(asked.Seconds)
	for sent := 0; sent < asked.Bytes && time.Now().Before(until); {
		if b.end.channel.BufferedAmount() >= bufferedLimitBytes {
			time.Sleep(time.Millisecond)
			continue
		}
		if err := b.end.channel.Send(message); err != nil {
			return nil, err
		}
		sent += len(message)
	}
	return nil, nil
}

// receive returns what came until all bytes did, or the time was over, and when the last of it did.
func (b *bench) receive(asked options) (interface{}, error) {
	from := time.Now()
	var mutex sync.Mutex
	received, last := 0, from
	complete := make(chan struct{})
	b.end.listen(func(data []byte) {
		mutex.Lock()
		defer mutex.Unlock()
		before := received
		received += len(data)
		last = time.Now()
		if before < asked.Bytes && received >= asked.Bytes {
			close(complete)
		}
	})
	select {
	case <-complete:
	case <-time.After(time.Until(after(asked.Seconds))):
	}
	b.end.listen(func([]byte) {})
	mutex.Lock()
	defer mutex.Unlock()
	return object{"bytes": received, "seconds": last.Sub(from).Seconds()}, nil
}

func (b *bench) close(options) (interface{}, error) {
	if b.end == nil {
		return nil, nil
	}
	err := b.end.connection.Close()
	b.end = nil
	return nil, err
}

func after(seconds float64) time.Time {
	return time.Now().Add(time.Duration(seconds * float64(time.Second)))
}
