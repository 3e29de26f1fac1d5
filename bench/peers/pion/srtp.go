package main

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc"
)

const (
	// Packets on the way at most, and how long without one before they count as lost: as in rtp_flow.mjs.
	flowWindow = 64
	lostAfter  = 50 * time.Millisecond
)

// srtp sends RTP packets as fast as they arrive, with a bounded number on the way.
func (b *bench) srtp(asked options) (interface{}, error) {
	p, err := b.newPair()
	if err != nil {
		return nil, err
	}
	defer p.close()
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	track, err := webrtc.NewTrackLocalStaticRTP(opus, "audio", "bench")
	if err != nil {
		return nil, err
	}
	if _, err := p.offerer.AddTrack(track); err != nil {
		return nil, err
	}
	flow := &rtpFlow{arrived: make(chan struct{}, 1)}
	p.answerer.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { flow.read(remote) })
	if err := p.connect(); err != nil {
		return nil, err
	}
	from, cpu := time.Now(), cpuUsed()
	sent, err := flow.send(track, asked.PayloadBytes, from.Add(time.Duration(asked.Seconds*float64(time.Second))))
	return object{
		"sent": sent, "received": atomic.LoadInt64(&flow.received), "seconds": time.Since(from).Seconds(),
		"cpuUs": (cpuUsed() - cpu).Microseconds(), "how": "track.WriteRTP to track.ReadRTP",
	}, err
}

type rtpFlow struct {
	received int64
	arrived  chan struct{}
}

func (f *rtpFlow) read(remote *webrtc.TrackRemote) {
	for {
		if _, _, err := remote.ReadRTP(); err != nil {
			return
		}
		atomic.AddInt64(&f.received, 1)
		select {
		case f.arrived <- struct{}{}:
		default:
		}
	}
}

func (f *rtpFlow) send(track *webrtc.TrackLocalStaticRTP, payloadBytes int, until time.Time) (int64, error) {
	packet := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, payloadBytes)}
	var sent, lost int64
	for time.Now().Before(until) {
		if sent-lost-atomic.LoadInt64(&f.received) < flowWindow {
			packet.SequenceNumber = uint16(sent)
			packet.Timestamp = uint32(960 * sent)
			if err := track.WriteRTP(packet); err != nil {
				return sent, err
			}
			sent++
			continue
		}
		select {
		case <-f.arrived:
		case <-time.After(lostAfter):
			lost = sent - atomic.LoadInt64(&f.received)
		}
	}
	return sent, nil
}
