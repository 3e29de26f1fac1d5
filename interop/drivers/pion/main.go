// Pion (Go) as a peer of an interop call; speaks the protocol of interop/process_peer.ts. Pion has no codecs: it sends
// access units and Opus packets encoded beforehand, and hands over what it received as it came.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	// Debian's sources stand below GOPATH, where paths carry no major version.
	"github.com/pion/webrtc"
	"github.com/pion/webrtc/pkg/media"
)

const (
	unitsKept   = 12
	packetsKept = 40
)

type mediaFiles struct {
	FrameRate       int    `json:"frameRate"`
	VideoCodec      string `json:"videoCodec"`
	AccessUnitsPath string `json:"accessUnitsPath"`
	OpusPath        string `json:"opusPath"`
}

type request struct {
	ID         int                      `json:"id"`
	Do         string                   `json:"do"`
	Media      mediaFiles               `json:"media"`
	SDP        string                   `json:"sdp"`
	IceRestart bool                     `json:"iceRestart"`
	Candidate  *webrtc.ICECandidateInit `json:"candidate"`
}

type object map[string]interface{}

var output sync.Mutex

func write(message object) {
	line, _ := json.Marshal(message)
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

// readFramed reads chunks behind their u32 lengths.
func readFramed(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var chunks [][]byte
	for len(data) >= 4 {
		length := binary.BigEndian.Uint32(data)
		chunks = append(chunks, data[4:4+length])
		data = data[4+length:]
	}
	return chunks, nil
}

// received is what came in: access units from a keyframe on, and the newest Opus packets.
type received struct {
	sync.Mutex
	units    [][]byte
	packets  [][]byte
	videoSrc uint32
}

type peer struct {
	pc     *webrtc.PeerConnection
	media  mediaFiles
	video  *webrtc.RTPSender
	ended  chan struct{}
	in     *received
	stream int
}

// send writes sample after sample at its own rate until the connection is closed.
func (p *peer) send(track *webrtc.TrackLocalStaticSample, chunks [][]byte, interval time.Duration) {
	ended := p.ended
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for number := 0; ; number++ {
		select {
		case <-ended:
			return
		case <-ticker.C:
			sample := media.Sample{Data: chunks[number%len(chunks)], Duration: interval}
			if track.WriteSample(sample) != nil {
				return
			}
		}
	}
}

func (p *peer) addTrack(kind, mime, path string, clockRate uint32, interval time.Duration) (*webrtc.RTPSender, error) {
	chunks, err := readFramed(path)
	if err != nil {
		return nil, err
	}
	p.stream++
	capability := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: clockRate}
	track, err := webrtc.NewTrackLocalStaticSample(capability, fmt.Sprintf("%s%d", kind, p.stream), "pion")
	if err != nil {
		return nil, err
	}
	sender, err := p.pc.AddTrack(track)
	if err != nil {
		return nil, err
	}
	go func() {
		// Interceptors see RTCP only while it is read.
		buffer := make([]byte, 1500)
		for {
			if _, _, err := sender.Read(buffer); err != nil {
				return
			}
		}
	}()
	go p.send(track, chunks, interval)
	return sender, nil
}

func (p *peer) addVideo() error {
	interval := time.Second / time.Duration(p.media.FrameRate)
	mime := map[string]string{"H264": webrtc.MimeTypeH264, "VP8": webrtc.MimeTypeVP8}[p.media.VideoCodec]
	sender, err := p.addTrack("video", mime, p.media.AccessUnitsPath, 90000, interval)
	p.video = sender
	return err
}

func (p *peer) onTrack(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		watch(track, p.in)
	} else {
		listen(track, p.in)
	}
}

// watch puts access units together; a gap in the sequence numbers spoils the unit it falls into.
func watch(track *webrtc.TrackRemote, in *received) {
	in.Lock()
	in.videoSrc = uint32(track.SSRC())
	in.Unlock()
	isVp8 := strings.EqualFold(track.Codec().MimeType, webrtc.MimeTypeVP8)
	isKeyframe := isIdr
	var depacketizer rtp.Depacketizer = &codecs.H264Packet{}
	if isVp8 {
		depacketizer, isKeyframe = &codecs.VP8Packet{}, isVp8Keyframe
	}
	var unit []byte
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if part, err := depacketizer.Unmarshal(packet.Payload); err == nil {
			unit = append(unit, part...)
		}
		if packet.Marker {
			in.keep(unit, isKeyframe(unit))
			unit = nil
		}
	}
}

// isVp8Keyframe: RFC 6386 §9.1, the first bit.
func isVp8Keyframe(frame []byte) bool {
	return len(frame) > 0 && frame[0]&1 == 0
}

func isIdr(unit []byte) bool {
	for at := 0; at+4 < len(unit); at++ {
		if unit[at] == 0 && unit[at+1] == 0 && unit[at+2] == 1 && unit[at+3]&0x1f == 5 {
			return true
		}
	}
	return false
}

// keep holds the first units from a keyframe on: a decoder can begin there.
func (in *received) keep(unit []byte, keyframe bool) {
	in.Lock()
	defer in.Unlock()
	if len(in.units) == 0 && !keyframe || len(in.units) == unitsKept {
		return
	}
	in.units = append(in.units, unit)
}

func listen(track *webrtc.TrackRemote, in *received) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		in.Lock()
		in.packets = append(in.packets, packet.Payload)
		if len(in.packets) > packetsKept {
			in.packets = in.packets[1:]
		}
		in.Unlock()
	}
}

func encoded(chunks [][]byte) []string {
	texts := []string{}
	for _, chunk := range chunks {
		texts = append(texts, base64.StdEncoding.EncodeToString(chunk))
	}
	return texts
}

var tcpMux ice.TCPMux

// newAPI is Pion with its defaults and passive TCP candidates, whose one listener it shares between connections.
func newAPI() (*webrtc.API, error) {
	if tcpMux == nil {
		listener, err := net.Listen("tcp", "0.0.0.0:0")
		if err != nil {
			return nil, err
		}
		tcpMux = webrtc.NewICETCPMux(nil, listener, 32)
	}
	settings := webrtc.SettingEngine{}
	settings.SetICETCPMux(tcpMux)
	settings.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4,
	})
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings),
	), nil
}

func (p *peer) start(wanted mediaFiles) error {
	p.close()
	api, err := newAPI()
	if err != nil {
		return err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	p.pc, p.media, p.in, p.ended = pc, wanted, &received{}, make(chan struct{})
	pc.OnTrack(p.onTrack)
	pc.OnDataChannel(echo)
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			write(object{"candidate": candidate.ToJSON()})
		}
	})
	if _, err := p.addTrack("audio", webrtc.MimeTypeOpus, wanted.OpusPath, 48000, 20*time.Millisecond); err != nil {
		return err
	}
	return p.addVideo()
}

func echo(channel *webrtc.DataChannel) {
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		if message.IsString {
			channel.SendText(string(message.Data))
		} else {
			channel.Send(message.Data)
		}
	})
}

func (p *peer) openChannel() error {
	channel, err := p.pc.CreateDataChannel("interop", nil)
	if err == nil {
		echo(channel)
	}
	return err
}

func (p *peer) close() {
	if p.pc != nil {
		close(p.ended)
		p.pc.Close()
		p.pc = nil
	}
}

func (p *peer) setLocal(description webrtc.SessionDescription, err error) (object, error) {
	if err != nil {
		return nil, err
	}
	return object{"sdp": description.SDP}, p.pc.SetLocalDescription(description)
}

func (p *peer) setRemote(kind webrtc.SDPType, sdp string) error {
	return p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp})
}

// picture hands over what came since the last time, and asks for a keyframe to begin the next one with.
func (p *peer) picture() object {
	p.in.Lock()
	units := []string{}
	if len(p.in.units) == unitsKept {
		units = encoded(p.in.units)
		p.in.units = nil
	}
	source := p.in.videoSrc
	p.in.Unlock()
	if len(units) > 0 {
		p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: source}})
	}
	return object{"accessUnits": units}
}

func (p *peer) state() object {
	if p.pc == nil {
		return object{"state": "none"}
	}
	dtls := p.pc.GetSenders()[0].Transport().State()
	return object{"state": fmt.Sprintf("%s, DTLS %s", p.pc.ConnectionState(), dtls)}
}

func (p *peer) handle(asked request) (object, error) {
	switch asked.Do {
	case "hello":
		return object{"version": "3.1.56", "unsupported": object{"g711": "it has no codecs: it sends the Opus packets that it is given"},
			"flaws": object{"whip": "Pion 3 answers sendonly with sendrecv where it sends itself, against RFC 3264 §6.1"}}, nil
	case "start":
		return object{}, p.start(asked.Media)
	case "offer":
		return p.setLocal(p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: asked.IceRestart}))
	case "answer":
		if err := p.setRemote(webrtc.SDPTypeOffer, asked.SDP); err != nil {
			return nil, err
		}
		return p.setLocal(p.pc.CreateAnswer(nil))
	case "accept":
		return object{}, p.setRemote(webrtc.SDPTypeAnswer, asked.SDP)
	case "candidate":
		return object{}, p.pc.AddICECandidate(*asked.Candidate)
	case "picture":
		return p.picture(), nil
	case "sound":
		p.in.Lock()
		defer p.in.Unlock()
		return object{"opus": encoded(p.in.packets)}, nil
	case "openChannel":
		return object{}, p.openChannel()
	case "removeVideo":
		return object{}, p.pc.RemoveTrack(p.video)
	case "addVideo":
		return object{}, p.addVideo()
	case "state":
		return p.state(), nil
	case "close":
		p.close()
		return object{}, nil
	}
	return nil, fmt.Errorf("unknown request %s", asked.Do)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<16), 1<<22)
	p := &peer{}
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			continue
		}
		result, err := p.handle(asked)
		if err != nil {
			write(object{"id": asked.ID, "error": err.Error()})
		} else {
			write(object{"id": asked.ID, "result": result})
		}
	}
	p.close()
}
