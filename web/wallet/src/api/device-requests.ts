// A new device that asks an old one for approval.

export interface DeviceRequest {
  readonly id: string;
  readonly name: string;
  readonly number: string;
  readonly state: "PENDING" | "APPROVED" | "REFUSED" | "EXPIRED";
  readonly device_id?: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly own: boolean;
}
