/** Files of encoded media and captured packets. */
export { type AccessUnitFrame, type AnnexBCodec, AnnexBFileReader } from "../../protocol/files/annexb.js";
export { FileFormatError, type FileFormatErrorCode } from "../../protocol/files/file_format_error.js";
export type { FileFrame, FrameReader } from "../../protocol/files/frame_reader.js";
export { type IvfCodec, type IvfHeader, IvfReader } from "../../protocol/files/ivf.js";
export { OggOpusReader, type OpusFrame, type OpusHead } from "../../protocol/files/ogg_opus.js";
export { type PcapDatagram, type PcapEndpoint, PcapReader } from "../../protocol/files/pcap.js";
export { type WavFormat, type WavFrame, WavReader, type WavWriterOptions } from "../../protocol/files/wav.js";
export { type Y4mHeader, Y4mReader, type Y4mWriterOptions } from "../../protocol/files/y4m.js";
export { RtpDumpError, RtpDumpReader, rtpDumpHeader, rtpDumpRecord } from "../../protocol/rtpdump/rtpdump.js";
export { WavFileWriter } from "../sinks/wav_writer.js";
export { framesOf, readerOf } from "./frame_file.js";
export {
  AnnexBFileWriter,
  IvfFileWriter,
  OggOpusFileWriter,
  PcapFileWriter,
  RtpDumpFileWriter,
  Y4mFileWriter,
} from "./frame_writers.js";
